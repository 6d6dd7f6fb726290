// On a phone a form of many filters folds to its search field, so that what it filters is in sight.

const FEW = 3;

function chosenIn(fields) {
  const controls = fields.flatMap((field) => [...field.querySelectorAll("select, input")]);
  return controls.filter(({ type, checked, value }) =>
    type === "checkbox" ? checked : type !== "hidden" && value !== "",
  ).length;
}

export function makeFoldable(form) {
  const row = form.querySelector(".filters-fields");
  const fields = [...(row?.querySelectorAll(":scope > .field:not(.field-search)") ?? [])];
  if (fields.length <= FEW || form.dataset.folds || !form.ariaLabel) return;
  form.dataset.folds = "ready";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button filters-toggle";
  const show = (isOpen) => {
    const n = chosenIn(fields);
    button.textContent = form.ariaLabel + (n ? ` (${n})` : "");
    button.setAttribute("aria-expanded", isOpen);
    form.classList.toggle("is-folded", !isOpen);
  };
  button.addEventListener("click", () => show(form.classList.contains("is-folded")));
  form.addEventListener("change", () => show(!form.classList.contains("is-folded")));
  row.insertBefore(button, fields[0]);
  show(false);
}
