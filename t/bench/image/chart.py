"""The bar chart of README: SVG without a script, a font or a library, in the
reader's colours, light or dark.

A group a class of pictures, a bar an engine.  Its length is its time of
Pillow's, so that 10 ms and 700 ms fit one picture; what passes the edge is cut
off and shows so; every bar tells its milliseconds.
"""

from xml.sax.saxutils import escape

WIDTH = 820
LEFT = 190
RIGHT = 90
TOP = 66
BAR = 11
STEP = 13
GAP = 13
EDGE = 1.25           # times Pillow
TICKS = (0, 0.25, 0.5, 0.75, 1.0)

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .soft { fill: #57606a; font-size: 11px; }
  .strong { font-weight: 600; font-size: 11px; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .ours { fill: #0a7d4b; } .pillow { fill: #7d8590; }
  .vips { fill: #b08a3e; } .sharp { fill: #4f7fbf; }
  .cut { fill: #ffffff; }
  .ground { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .soft { fill: #9198a1; }
    .grid { stroke: #30363d; }
    .ours { fill: #3fb97f; } .pillow { fill: #6e7681; }
    .vips { fill: #c9a45a; } .sharp { fill: #6c9bd9; }
    .cut { fill: #0d1117; }
    .ground { fill: #0d1117; }
  }"""


def milliseconds(value):
    return '%.0f ms' % value if value >= 100 else \
        '%.1f ms' % value


def text(x, y, words, kind='', anchor='start'):
    return '<text x="%.1f" y="%.1f"%s text-anchor="%s">%s</text>' % (
        x, y, ' class="%s"' % kind if kind else '', anchor, escape(words))


def bar(y, engine, share, words):
    """share: of Pillow's time."""

    scale = (WIDTH - LEFT - RIGHT) / EDGE
    length = max(1.5, min(share, EDGE) * scale)
    out = ['<rect class="%s" x="%d" y="%.1f" width="%.1f" height="%d" '
           'rx="1.5"/>' % (engine, LEFT, y, length, BAR)]

    if share > EDGE:
        x = LEFT + length - 16
        out.append('<path class="cut" d="M%.1f %.1fl5 0l-4 %dl-5 0z"/>'
                   % (x, y - 1, BAR + 2))

    kind = 'strong' if engine == 'ours' else 'soft'
    out.append(text(LEFT + length + 6, y + BAR - 1.5, words, kind))

    return out


def legend(engines):
    """[(key, title)] in a row above the bars."""

    out, x = [], LEFT

    for key, title in engines:
        out.append('<rect class="%s" x="%d" y="35" width="11" height="11" '
                   'rx="1.5"/>' % (key, x))
        out.append(text(x + 16, 45, title))
        x += 34 + 6.6 * len(title)

    return out


def grid(bottom):
    scale = (WIDTH - LEFT - RIGHT) / EDGE
    out = []

    for tick in TICKS:
        x = LEFT + tick * scale
        out.append('<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>'
                   % (x, x, TOP - 6, bottom))
        out.append(text(x, bottom + 14, '%d %%' % (100 * tick), 'soft',
                        'middle'))

    return out


def draw(title, engines, groups):
    """engines: [(key, title)], "pillow" among them; groups: [(title,
    {key: ms})].  The text of an SVG."""

    groups = [(name, times) for name, times in groups if times.get('pillow')]
    body, y = [], TOP

    for name, times in groups:
        shown = [key for key, _ in engines if times.get(key)]
        height = STEP * len(shown)
        body.append(text(LEFT - 12, y + height / 2 + 3, name,
                         anchor='end'))

        for key in shown:
            body += bar(y, key, times[key] / times['pillow'],
                        milliseconds(times[key]))
            y += STEP

        y += GAP

    bottom = y - GAP + 4
    height = bottom + 24
    head = [text(12, 20, title, 'title'), *legend(engines), *grid(bottom)]

    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" '
            'width="%d" height="%d" role="img" aria-label="%s">\n<style>%s\n'
            '</style>\n<rect class="ground" width="100%%" height="100%%"/>\n'
            '%s\n</svg>\n'
            % (WIDTH, height, WIDTH, height, escape(title, {'"': '&quot;'}),
               STYLE, '\n'.join(head + body)))
