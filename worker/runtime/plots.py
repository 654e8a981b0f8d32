"""Plots as SVG from numbers: no script, no library, colours from the style sheet's classes."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup, escape

WIDTH = 720
_HEIGHT, _LEFT, _BOTTOM = 170, 34, 20
_TICKS = 3


def sparkline(values: Sequence[int], title: str, width: int = 140, height: int = 28) -> Markup:
    """A small area over time, scaled to its own highest value."""
    highest, n = max(values, default=0) or 1, max(len(values) - 1, 1)
    points = " ".join(
        f"{i * width / n:.1f},{height - 2 - v / highest * (height - 5):.1f}" for i, v in enumerate(values)
    )
    return _svg(
        f'<svg class="spark" viewBox="0 0 {width} {height}" role="img" preserveAspectRatio="none">'
        f"<title>{escape(title)}</title>"
        f'<polygon points="0,{height} {points} {width},{height}"/><polyline points="{points}"/></svg>'
    )


def meter(share: float, title: str) -> Markup:
    """A bar of which `share` (0..1) is filled."""
    filled = min(max(share, 0.0), 1.0) * 100
    return _svg(
        f'<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img"><title>{escape(title)}</title>'
        f'<rect class="rest" width="100" height="6"/><rect width="{filled:.1f}" height="6"/></svg>'
    )


def interval(share: float, low: float, high: float) -> Markup:
    """A bar of 0 to 1 on which a share stands within its interval."""
    return _svg(
        '<svg class="interval" viewBox="0 0 100 10" preserveAspectRatio="none" role="img">'
        f"<title>{share:.2f}, 95 % between {low:.2f} and {high:.2f}</title>"
        f'<rect class="rest" y="2" width="100" height="6"/>'
        f'<rect class="range" x="{low * 100:.1f}" y="2" width="{(high - low) * 100:.1f}" height="6"/>'
        f'<rect class="point" x="{min(share * 100, 98.5):.1f}" width="1.5" height="10"/></svg>'
    )


def columns(
    layers: Sequence[tuple[str, Sequence[int]]], starts: Sequence[datetime], title: str, width: int = WIDTH
) -> Markup:
    """Stacked columns over time; each layer is its CSS class and its values, the first at the bottom."""
    heights = [sum(values[i] for _, values in layers) for i in range(len(starts))]
    top = nice_top(max(heights, default=0))
    step = (width - _LEFT) / max(len(starts), 1)
    scale = (_HEIGHT - _BOTTOM - 6) / top
    parts = [_grid(top, scale, width), _labels(starts, step, width)]
    for i, start in enumerate(starts):
        base = float(_HEIGHT - _BOTTOM)
        rects = []
        for name, values in layers:
            if values[i]:
                base -= values[i] * scale
                rects.append(
                    f'<rect class="{name}" x="{_LEFT + i * step + step * 0.1:.1f}" y="{base:.1f}" '
                    f'width="{step * 0.8:.1f}" height="{values[i] * scale:.1f}" rx="1"/>'
                )
        if rects:
            parts.append(f"<g><title>{start:%a %H:%M} UTC: {heights[i]}</title>{''.join(rects)}</g>")
    body = "".join(parts)
    return _svg(
        f'<svg class="plot" viewBox="0 0 {width} {_HEIGHT}" role="img"><title>{escape(title)}: {sum(heights)} in all,'
        f" at most {max(heights, default=0)} at a time</title>{body}</svg>"
    )


def nice_top(highest: int) -> int:
    """The axis' end: the least of 3, 6, 9, 15, 30, 60, 90, 150, 300, ... that holds the highest value."""
    size = 1
    while True:
        for factor in (3, 6, 9, 15):
            if factor * size >= highest:
                return factor * size
        size *= 10


def _grid(top: int, scale: float, width: int) -> str:
    lines = []
    for i in range(_TICKS + 1):
        value = top * i // _TICKS
        y = _HEIGHT - _BOTTOM - value * scale
        lines.append(f'<line x1="{_LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    return "".join(lines)


def _labels(starts: Sequence[datetime], step: float, width: int) -> str:
    """The hour every four hours where less than two days are shown, else each new day."""
    is_short = bool(starts) and (starts[-1] - starts[0]).total_seconds() < 2 * 86_400
    labels = []
    for i, start in enumerate(starts):
        is_new_day = i > 0 and start.date() != starts[i - 1].date()
        x = _LEFT + i * step
        if x < width - 36 and (start.hour % 4 == 0 if is_short else is_new_day):
            labels.append(f'<text x="{x:.1f}" y="{_HEIGHT - 5}">{start:{"%H:%M" if is_short else "%a %d"}}</text>')
    return "".join(labels)


def _svg(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - numbers, our own class names and escaped titles
