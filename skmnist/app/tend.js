// The parts of Streamlit that have words of their own. Nothing is replaced in the user's data.
const PARTS = [
  "stFileUploader",
  "stCameraInput",
  "InputInstructions",
  "stStatusWidget",
  "stMainMenuPopover",
].map(name => `[data-testid="${name}"]`).join(", ");

export default function ({ data }) {
  const root = document.documentElement;
  root.lang = data.language;
  if (root.dataset.step && root.dataset.step !== data.step) {
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  }
  root.dataset.step = data.step;
  root.words = data.words.map(([from, to]) => [toPattern(from), to]);
  translate();
  if (!root.translator) {
    root.translator = new MutationObserver(translate);
    root.translator.observe(document.body, { childList: true, characterData: true, subtree: true });
  }
}

// "{}MB" is any number followed by "MB"
function toPattern(text) {
  const parts = text.split("{}").map(part => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("([\\d.]+)")}$`);
}

function translate() {
  for (const part of document.querySelectorAll(PARTS)) {
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode;
      if (node.data !== node.shown) node.original = node.data; // new from Streamlit
      const text = node.original.trim();
      const word = document.documentElement.words.find(([from]) => from.test(text));
      const put = () => text.replace(word[0], (_, number) => word[1].replace("{}", number));
      node.shown = word ? node.original.replace(text, put) : node.original;
      if (node.data !== node.shown) node.data = node.shown;
    }
  }
}
