/** What the shortest text of a node is. */
import { costToEnd, nearestEnd } from './lines';
import { tagCost, type Node, type Nodes } from './nodes';

/** Appends the shortest text, by tokens, that the node can be. */
export function sayShortest(nodes: Nodes, node: Node, bytes: number[]): void {
  switch (node.op) {
    case 'empty':
      return;
    case 'byte':
      bytes.push(node.shown);
      return;
    case 'literal':
      bytes.push(...node.bytes.subarray(node.at));
      return;
    case 'sequence':
      sayShortest(nodes, node.first, bytes);
      sayShortest(nodes, node.rest, bytes);
      return;
    case 'choice': {
      const best = node.of.find((part) => part.cost === node.cost);
      if (best !== undefined) {
        sayShortest(nodes, best, bytes);
      }
      return;
    }
    case 'repeat':
      for (let i = 0; i < node.least && node.cost > 0; i += 1) {
        sayShortest(nodes, node.of, bytes);
      }
      return;
    case 'rule':
      if (node.cost > 0) {
        sayShortest(nodes, nodes.ruleBody(node.name), bytes);
      }
      return;
    case 'free': {
      const tag = node.required
        ? node.tags.find((each) => tagCost(each, node.begun) === node.cost)
        : undefined;
      if (tag !== undefined) {
        const goesOn =
          tag.begin.startsWith(node.begun) &&
          (tag.beginCost[node.begun.length] ?? 0) <= (tag.beginCost[0] ?? 0);
        const rest = goesOn ? tag.begin.slice(node.begun.length) : tag.begin;
        bytes.push(...Buffer.from(rest, 'latin1'));
        sayShortest(nodes, tag.then, bytes);
      }
      return;
    }
    case 'lines': {
      const { text, places, said } = node;
      const least = node.cost - (text.piece?.then.cost ?? 0);
      const at = places.find((place) => costToEnd(text, place, said) === least) ?? text.bytes.length;
      bytes.push(...text.bytes.subarray(at, nearestEnd(text, at, said)));
      if (text.piece !== undefined) {
        sayShortest(nodes, text.piece.then, bytes);
      }
      return;
    }
    case 'pieces':
      return;
  }
}
