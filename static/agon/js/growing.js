// A reply that is being written: sealed blocks stay, the open one is rendered again by the server.
// What did not change keeps its nodes, and with them its selection, focus and place of scrolling.

const END = "\ufdd0"; // where the next words come; the server puts it there
const MOST_STEPS = 200; // empty cells may follow the words

export function growing(body) {
  let sealed = 0; // nodes that no longer change
  let end = null; // the text that grows

  return {
    change({ sealed: done, open, anew }) {
      if (anew) sealed = 0;
      const blocks = parse(done);
      settle(body, [...blocks, ...parse(open)], sealed);
      sealed += blocks.length;
      end = takeOutEnd(body);
    },
    add(words) {
      end ??= newEnd(body);
      end.appendData(words);
    },
    finish(html) {
      settle(body, parse(html));
      end = null;
    },
  };
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.childNodes];
}

function settle(parent, fresh, from = 0) {
  fresh.forEach((node, place) => {
    const old = parent.childNodes[from + place];
    if (!old) parent.append(node);
    else if (node.nodeType === Node.TEXT_NODE && old.nodeType === Node.TEXT_NODE) setText(old, node.data);
    else if (isAlike(old, node)) settle(old, [...node.childNodes]);
    else old.replaceWith(node);
  });
  while (parent.childNodes.length > from + fresh.length) parent.lastChild.remove();
}

function isAlike(old, node) {
  return old.cloneNode(false).isEqualNode(node.cloneNode(false));
}

function setText(old, data) {
  if (data === old.data) return;
  if (data.startsWith(old.data)) old.appendData(data.slice(old.data.length));
  else old.data = data;
}

// Words of which the server could not say yet what they are; its next blocks take their place.
function newEnd(body) {
  const place = document.createElement("p");
  place.append("");
  body.append(place);
  return place.firstChild;
}

function takeOutEnd(body) {
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_ALL);
  while (texts.lastChild());
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const node = texts.currentNode;
    const place = node.nodeType === Node.TEXT_NODE ? node.data.lastIndexOf(END) : -1;
    if (place >= 0) {
      node.deleteData(place, 1);
      return node;
    }
    if (!texts.previousNode()) return null;
  }
  return null;
}
