import assert from "node:assert/strict";
import { test } from "node:test";

import { applyChanges } from "./feed_poller.js";

const edge = (id, position, version = 1) => ({ position, node: { id, version } });
const shown = (list) => list.map(({ node, position }) => `${position}:${node.id}${node.version}`).join(" ");
const LIST = [edge("c", "30"), edge("b", "20"), edge("a", "10")];

const CASES = [
  ["nothing", {}, "", "30:c1 20:b1 10:a1"],
  ["a post at the top", { added: [edge("d", "40")] }, "", "40:d1 30:c1 20:b1 10:a1"],
  ["a post between", { added: [edge("d", "25")] }, "", "30:c1 25:d1 20:b1 10:a1"],
  ["a post that was there, elsewhere now", { added: [edge("a", "40", 2)] }, "", "40:a2 30:c1 20:b1"],
  ["the same post twice", { added: [edge("d", "40"), edge("d", "41", 2)] }, "", "41:d2 30:c1 20:b1 10:a1"],
  ["a post below what is whole", { added: [edge("d", "05")] }, "10", "30:c1 20:b1 10:a1"],
  ["a post that goes below what is whole", { added: [edge("c", "05")] }, "10", "20:b1 10:a1"],
  ["a post at the very end of what is whole", { added: [edge("d", "10")] }, "10", "30:c1 20:b1 10:a1 10:d1"],
  ["a post below, where the list is whole", { added: [edge("d", "05")] }, "", "30:c1 20:b1 10:a1 05:d1"],
  ["an edit", { updated: [{ id: "b", version: 2 }] }, "", "30:c1 20:b2 10:a1"],
  ["an edit of what is not there", { updated: [{ id: "x", version: 2 }] }, "", "30:c1 20:b1 10:a1"],
  ["a removal", { removedIds: ["c", "x"] }, "", "20:b1 10:a1"],
  ["all", { added: [edge("d", "4")], updated: [{ id: "b", version: 2 }], removedIds: ["a"] }, "", "4:d1 30:c1 20:b2"],
];

for (const [name, changes, floor, expected] of CASES) {
  test(`applyChanges: ${name}`, () => {
    const before = structuredClone(LIST);
    const after = applyChanges(LIST, changes, floor);
    assert.equal(shown(after), expected);
    assert.equal(shown(applyChanges(after, changes, floor)), expected, "once more changes nothing");
    assert.deepEqual(LIST, before);
  });
}
