// Polar figures for the cartesian bundle of plotly, which is a third of the full one: the circle
// is unrolled into lines and points before plotly sees it.

export const PALETTE = ["--accent", "--side-b", "--side-a", "--mark", "--good", "--warn", "--bad", "--tie"];
const RINGS = 4;

function corner(index, count, radius) {
  const angle = Math.PI / 2 - (2 * Math.PI * index) / count;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function outline(radii) {
  const corners = radii.map((radius, index) => corner(index, radii.length, radius));
  return [...corners, corners[0]];
}

function unrolled(trace, index, low, span) {
  const points = outline(trace.r.map((radius) => Math.max(0, (radius - low) / span)));
  const labels = trace.theta.map((theta, place) => `${theta}: ${trace.r[place]}`);
  const token = PALETTE[index % PALETTE.length];
  const { r, theta, subplot, type, ...rest } = trace;
  return {
    mode: "lines+markers",
    hoverinfo: "text+name",
    line: { color: `var(${token})` },
    fillcolor: `faded(${token})`,
    ...rest,
    type: "scatter",
    x: points.map(([x]) => x),
    y: points.map(([, y]) => y),
    text: [...labels, labels[0]],
  };
}

function rings(count, line) {
  return Array.from({ length: RINGS }, (_, ring) => {
    const points = outline(Array(count).fill((ring + 1) / RINGS));
    return { type: "path", path: `M${points.map((point) => point.join(",")).join("L")}Z`, line, layer: "below" };
  });
}

function spokes(count, line) {
  return Array.from({ length: count }, (_, index) => {
    const [x1, y1] = corner(index, count, 1);
    return { type: "line", x0: 0, y0: 0, x1, y1, line, layer: "below" };
  });
}

function names(categories) {
  return categories.map((text, index) => {
    const [x, y] = corner(index, categories.length, 1.08);
    const xanchor = x > 0.1 ? "left" : x < -0.1 ? "right" : "center";
    return { x, y, text, showarrow: false, xanchor, yanchor: y > 0.5 ? "bottom" : y < -0.5 ? "top" : "middle" };
  });
}

function scale(low, span) {
  return Array.from({ length: RINGS }, (_, ring) => ({
    x: 0,
    y: (ring + 1) / RINGS,
    text: String(Number((low + (span * (ring + 1)) / RINGS).toPrecision(3))),
    showarrow: false,
    xanchor: "left",
    xshift: 3,
    font: { size: 10, color: "var(--ink-3)" },
  }));
}

export function isRadar(figure) {
  return figure.data.some((trace) => trace.type === "scatterpolar");
}

export function asCartesian(figure) {
  const categories = figure.data[0].theta;
  const values = figure.data.flatMap((trace) => trace.r);
  const [low, high] = figure.layout?.polar?.radialaxis?.range ?? [0, Math.max(...values)];
  const span = high - low || 1;
  const line = { color: "var(--rule)", width: 1 };
  const hidden = { visible: false, fixedrange: true };
  const { polar, ...layout } = figure.layout ?? {};
  return {
    data: figure.data.map((trace, index) => unrolled(trace, index, low, span)),
    layout: {
      hovermode: "closest",
      ...layout,
      xaxis: { ...hidden, range: [-1.5, 1.5] },
      yaxis: { ...hidden, range: [-1.2, 1.25], scaleanchor: "x" },
      shapes: [...rings(categories.length, line), ...spokes(categories.length, line)],
      annotations: [...names(categories), ...scale(low, span)],
    },
  };
}
