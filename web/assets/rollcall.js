"use strict";
// Everything works without this script. With it, times are in the reader's zone and values can be
// copied by a button.

// Writes each time again in the reader's zone. The title keeps it in UTC.
for (const time of document.querySelectorAll("time[data-clock]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
  time.title = time.textContent;
  time.textContent = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
    ...(time.dataset.clock === "seconds" && { second: "2-digit" }),
  }).format(at).replace(" at ", ", ");
}

// Copies what stands before the button. Screen readers hear of it from the page's live region.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const word = button.querySelector("span"), said = document.getElementById("said");
      const text = button.parentElement.querySelector("[data-value]").textContent;
      const done = await navigator.clipboard.writeText(text).then(() => "Copied", () => "Not copied");
      word.textContent = done;
      said.textContent = `${done}: ${button.dataset.copy}`;
      setTimeout(() => { word.textContent = "Copy"; said.textContent = ""; }, 2000);
    });
  }
}
