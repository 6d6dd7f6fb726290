// Tables that are whole on the page sort in place. A cell's value is its data-value or its text;
// the order stands in the address as ?sort=-3 (descending by the fourth column), so it can be shared.

function valueOf(row, column) {
  const cell = row.cells[column];
  const text = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
  const number = Number(text.replace(/[,\s\u00a0]/g, "").replace("−", "-").split("–")[0]);
  return text === "" || text === "–" ? null : Number.isNaN(number) ? text.toLocaleLowerCase() : number;
}

function compare(first, second) {
  // what has no value stays below, whichever way the column is sorted
  if (first === null || second === null) return 0;
  if (typeof first === "number" && typeof second === "number") return first - second;
  return String(first).localeCompare(String(second), document.documentElement.lang);
}

function sortRows(table, column, sign) {
  const [body] = table.tBodies;
  const rows = [...body.rows].map((row) => ({ row, value: valueOf(row, column) }));
  const known = rows.filter(({ value }) => value !== null);
  const unknown = rows.filter(({ value }) => value === null);
  known.sort((first, second) => sign * compare(first.value, second.value));
  body.append(...[...known, ...unknown].map(({ row }) => row));
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (!head.hasAttribute("aria-sort")) return;
    const direction = sign > 0 ? "ascending" : "descending";
    head.setAttribute("aria-sort", index === column ? direction : "none");
  });
}

function remember(column, sign) {
  const address = new URL(location.href);
  address.searchParams.set("sort", `${sign < 0 ? "-" : ""}${column}`);
  history.replaceState(history.state, "", address);
}

function addButton(table, head, column) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  const mark = document.createElement("span");
  mark.className = "sort-mark";
  mark.setAttribute("aria-hidden", "true");
  button.append(mark);
  head.append(button);
  head.setAttribute("aria-sort", "none");
  button.addEventListener("click", () => {
    const startsHigh = typeof valueOf(table.tBodies[0].rows[0], column) === "number" && column > 0;
    const current = head.getAttribute("aria-sort");
    const sign = current === "none" ? (startsHigh ? -1 : 1) : current === "ascending" ? -1 : 1;
    sortRows(table, column, sign);
    remember(column, sign);
  });
}

export function makeSortable(table) {
  if (table.dataset.sortable === "ready" || !table.tBodies[0]?.rows.length) return;
  table.dataset.sortable = "ready";
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.querySelector(".interval-axis, .visually-hidden")) addButton(table, head, column);
  });
  const chosen = /^(-?)(\d+)$/.exec(new URL(location.href).searchParams.get("sort") ?? "");
  const head = chosen && table.tHead.rows[0].cells[Number(chosen[2])];
  if (head?.hasAttribute("aria-sort")) sortRows(table, Number(chosen[2]), chosen[1] ? -1 : 1);
}
