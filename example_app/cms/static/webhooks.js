// Keeps the panel of webhooks up to date while one of them is under way.
const panel = document.getElementById("webhooks");

async function refresh() {
  if (!panel.querySelector("[data-pending]")) return;
  try {
    const answer = await fetch(panel.dataset.source);
    if (answer.ok) panel.innerHTML = await answer.text();
  } catch {
    // The CMS is being stopped; the next try will tell.
  }
  setTimeout(refresh, 500);
}

setTimeout(refresh, 300);
