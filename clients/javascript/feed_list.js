/** What a client does with a list of edges when it hears of changes; the law of docs/polling.md. */

/**
 * The list after `changes`: removed posts gone, edited ones replaced, added ones in their places, greatest `position`
 * first. A new array; a post is in it once. What was added below `floor`, the position down to which the list is
 * whole, is left to the page that will be loaded there.
 */
export function applyChanges(list, { added = [], updated = [], removedIds = [] }, floor = "") {
  const edges = new Map(list.map((edge) => [edge.node.id, edge]));
  for (const id of removedIds) edges.delete(id);
  for (const node of updated) if (edges.has(node.id)) edges.set(node.id, { ...edges.get(node.id), node });
  for (const edge of added) {
    edges.delete(edge.node.id);
    if (edge.position >= floor) edges.set(edge.node.id, edge);
  }
  return [...edges.values()].sort((a, b) => (a.position < b.position ? 1 : a.position > b.position ? -1 : 0));
}
