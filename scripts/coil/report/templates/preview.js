"use strict";
(() => {
  const page = document.getElementById("main");
  const rows = [...page.querySelectorAll("tr[data-state]")];
  const groups = [...page.querySelectorAll("details.group")];
  const chips = [...document.querySelectorAll("button[data-filter]")];
  const search = document.getElementById("search");
  const told = document.getElementById("told");
  const unfolded = new Map(groups.map((group) => [group, group.open]));

  function filter() {
    const states = new Set(
      chips.filter((chip) => chip.getAttribute("aria-pressed") === "true")
        .map((chip) => chip.dataset.filter));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = states.size > 0 || words.length > 0;
    let shown = 0;
    for (const group of groups) {
      const about = group.dataset.units;
      let any = 0;
      for (const row of group.querySelectorAll("tr[data-state]")) {
        const text = `${about} ${row.textContent}`.toLowerCase();
        row.hidden = (states.size > 0 && !states.has(row.dataset.state))
          || !words.every((word) => text.includes(word));
        any += row.hidden ? 0 : 1;
      }
      group.hidden = asked && any === 0;
      group.open = asked ? any > 0 : unfolded.get(group);
      shown += any;
    }
    told.textContent = asked ? `${shown} of ${rows.length} rows shown` : "";
  }

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  search.addEventListener("input", filter);
  document.getElementById("tools").hidden = false;

  const compare = new Intl.Collator("en", { numeric: true }).compare;
  function sort(button) {
    const heading = button.closest("th");
    const table = heading.closest("table");
    const place = [...heading.parentElement.children].indexOf(heading);
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const text = (row) => row.children[place].innerText.trim();
    const sorted = [...body.rows].sort((one, other) => compare(text(one), text(other)));
    body.append(...(down ? sorted.reverse() : sorted));
  }
  for (const heading of page.querySelectorAll("table.sortable thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(button));
    heading.append(button);
  }

  // What is folded away would be missing on paper.
  addEventListener("beforeprint", () => groups.forEach((group) => { group.open = !group.hidden; }));
  addEventListener("afterprint", filter);
})();
