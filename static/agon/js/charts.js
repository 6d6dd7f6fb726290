// Draws each chart when it comes into view. A figure is plain plotly JSON in a data block beside
// its canvas; a colour written as "var(--token)", or "faded(--token)", follows the reader's theme.
import { asCartesian, isRadar, PALETTE } from "./radar.js";

const settings = document.querySelector("script[data-charts]").dataset;
const CONFIG = {
  responsive: true,
  displaylogo: false,
  displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};
const drawn = new Set();
let plotlyIsLoading;

function loadPlotly() {
  // plotly takes a link with this id and class for its own style element, which the policy forbids
  plotlyIsLoading ??= Promise.all([
    load("link", { rel: "stylesheet", href: settings.plotlyStyle, id: "plotly.js-style-global", className: "no-inline-styles" }),
    load("script", { src: settings.plotly }),
  ]).then(() => window.Plotly);
  return plotlyIsLoading;
}

function load(kind, properties) {
  return new Promise((onload, onerror) => {
    document.head.append(Object.assign(document.createElement(kind), { ...properties, onload, onerror }));
  });
}

function tokenReader() {
  // computed style leaves light-dark() as written in a custom property, but not in `color`
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const read = (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  return { read, done: () => probe.remove() };
}

function withColours(value, read) {
  if (typeof value === "string") {
    return value
      .replace(/var\((--[\w-]+)\)/g, (_, token) => read(token))
      .replace(/faded\((--[\w-]+)\)/g, (_, token) => read(token).replace(/^rgb\((.*)\)$/, "rgba($1, 0.2)"));
  }
  if (Array.isArray(value)) return value.map((part) => withColours(part, read));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withColours(part, read)]));
  }
  return value;
}

function axis() {
  return {
    gridcolor: "var(--rule)",
    zerolinecolor: "var(--rule-2)",
    linecolor: "var(--rule-2)",
    tickcolor: "var(--rule-2)",
    tickfont: { size: 12, color: "var(--ink-2)" },
    title: { font: { size: 12.5, color: "var(--ink-2)" }, standoff: 10 },
    automargin: true,
  };
}

const SCALES = {
  sequential: [[0, "var(--surface)"], [1, "var(--accent)"]],
  diverging: [[0, "var(--side-b)"], [0.5, "var(--surface)"], [1, "var(--side-a)"]],
};

function template() {
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "var(--ink)" },
      colorway: PALETTE.map((token) => `var(${token})`),
      colorscale: SCALES,
      hoverlabel: { bgcolor: "var(--ink)", bordercolor: "var(--ink)", font: { color: "var(--paper)", size: 13 } },
      legend: { orientation: "h", y: -0.2, x: 0, font: { size: 12.5 } },
      margin: { l: 48, r: 16, t: 16, b: 36 },
      xaxis: axis(),
      yaxis: axis(),
    },
    data: {
      heatmap: [{ colorscale: SCALES.sequential, xgap: 2, ygap: 2, colorbar: { thickness: 12, outlinewidth: 0, tickfont: { size: 11 } } }],
      bar: [{ marker: { line: { width: 0 } } }],
    },
  };
}

function themed(figure) {
  const flat = isRadar(figure) ? asCartesian(figure) : figure;
  const { read, done } = tokenReader();
  const layout = { template: template(), ...flat.layout, autosize: true };
  if (flat.data.some((trace) => trace.type === "heatmap")) {
    for (const name of ["xaxis", "yaxis"]) layout[name] = { showgrid: false, ...layout[name] };
  }
  const data = flat.data.map((trace) => ({ colorscale: SCALES[trace.meta?.scale], ...trace }));
  const result = { data: withColours(data, read), layout: withColours(layout, read) };
  done();
  return result;
}

async function draw(chart) {
  const canvas = chart.querySelector("[data-chart-canvas]");
  const figure = JSON.parse(chart.querySelector("script[type='application/json']").textContent);
  try {
    const plotly = await loadPlotly();
    const { data, layout } = themed(figure);
    chart.querySelector("[data-chart-wait]")?.remove();
    chart.dataset.height ??= canvas.clientHeight - 16;
    layout.height ??= Number(chart.dataset.height);
    await plotly.react(canvas, data, layout, CONFIG);
    drawn.add(chart);
    chart.dataset.drawn = "";
  } catch (error) {
    const wait = chart.querySelector("[data-chart-wait]");
    if (wait) wait.textContent = settings.textFailed;
    console.error(error);
  }
}

const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      draw(target);
    }
  },
  { rootMargin: "240px" },
);

function watch(within) {
  for (const chart of within.querySelectorAll("[data-chart]:not([data-drawn])")) observer.observe(chart);
}

watch(document);
document.addEventListener("agon:theme", () => drawn.forEach(draw));
document.body.addEventListener("htmx:load", (event) => watch(event.detail.elt.parentElement ?? document));
document.body.addEventListener("htmx:beforeCleanupElement", ({ detail: { elt } }) => {
  if (!drawn.delete(elt)) return;
  window.Plotly.purge(elt.querySelector("[data-chart-canvas]"));
});
