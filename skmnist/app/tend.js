export default function ({ data }) {
  const root = document.documentElement;
  root.lang = data.language;
  if (root.dataset.step && root.dataset.step !== data.step) {
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  }
  root.dataset.step = data.step;
}
