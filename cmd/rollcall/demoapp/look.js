"use strict";
// Loads the page again every three seconds. While the user has access, only the facts are replaced,
// so that no element loses the focus. Otherwise the whole page is replaced.
setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (!answer) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.body.dataset.state !== document.body.dataset.state) return location.reload();
  for (const id of ["facts", "looked"]) {
    document.getElementById(id).replaceWith(page.getElementById(id));
  }
  document.body.classList.add("looks");
}, 3000);
document.body.classList.add("looks");
