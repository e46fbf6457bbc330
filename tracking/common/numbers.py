"""Format numbers for people."""


def number(value: float) -> str:
    """Format a metric with its significant digits."""
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.{1 if size >= 100 else 2}f}"
    return f"{value:.4f}" if size >= 1e-3 or not size else f"{value:.2e}"
