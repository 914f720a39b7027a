export default function ({ data, parentElement }) {
  const panel = parentElement.querySelector(".panel");
  panel.lang = data.language;
  if (panel.shown !== data.html) {
    panel.shown = data.html;
    panel.innerHTML = data.html;
  }
}
