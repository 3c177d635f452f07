"""Sizes of images: one number for a square, or height and width."""

Size = int | tuple[int, int]


def sides(size: Size) -> tuple[int, int]:
    """Height and width."""
    return (size, size) if isinstance(size, int) else size


def size_of(height: int, width: int) -> Size:
    """One number for a square."""
    return height if height == width else (height, width)


def size_text(size: Size) -> str:
    """`64x96`: height, then width."""
    return "x".join(map(str, sides(size)))


def enlarged_size(size: Size, ratio: float) -> Size:
    """Both sides times the ratio, rounded."""
    height, width = sides(size)
    return size_of(round(height * ratio), round(width * ratio))
