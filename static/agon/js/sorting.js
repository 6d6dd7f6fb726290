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
  const choice = table.closest(".table-scroll")?.previousElementSibling?.querySelector("select");
  if (choice) choice.value = column;
}

function startsHigh(table, column) {
  return column > 0 && typeof valueOf(table.tBodies[0].rows[0], column) === "number";
}

function sortAndRemember(table, column, sign) {
  sortRows(table, column, sign);
  remember(column, sign);
}

// sheets on a phone have no heads to press
function addChoice(table, names) {
  const label = document.createElement("label");
  label.className = "sort-choice";
  const select = document.createElement("select");
  for (const [column, name] of names) select.add(new Option(name, column));
  label.append(document.body.dataset.textSort, select);
  select.addEventListener("change", () => {
    const column = Number(select.value);
    sortAndRemember(table, column, startsHigh(table, column) ? -1 : 1);
  });
  table.closest(".table-scroll")?.before(label);
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
    const current = head.getAttribute("aria-sort");
    const first = startsHigh(table, column) ? -1 : 1;
    sortAndRemember(table, column, current === "none" ? first : current === "ascending" ? -1 : 1);
  });
}

export function makeSortable(table) {
  if (table.dataset.sortable === "ready" || !table.tBodies[0]?.rows.length) return;
  table.dataset.sortable = "ready";
  const names = [];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (head.querySelector(".interval-axis, .visually-hidden")) return;
    names.push([column, head.innerText.trim().replace(/\s+/g, " ") || head.textContent.trim()]);
    addButton(table, head, column);
  });
  if (table.classList.contains("table-sheets")) addChoice(table, names);
  const chosen = /^(-?)(\d+)$/.exec(new URL(location.href).searchParams.get("sort") ?? "");
  const head = chosen && table.tHead.rows[0].cells[Number(chosen[2])];
  if (head?.hasAttribute("aria-sort")) sortRows(table, Number(chosen[2]), chosen[1] ? -1 : 1);
}
