/**
 * A sorted set as a red-black tree, for elements whose order may change while they are in it: where an element is put depends on how
 * it compares then, and with which of those that are there, that is, on the shape of the tree. Nothing is ever removed.
 */
export class InsertionTree<T> {
  readonly #compare: (one: T, other: T) => number
  #root: Branch<T> | undefined

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare
  }

  add(item: T): void {
    let parent: Branch<T> | undefined
    let side: Side = 'left'
    for (let at = this.#root; at; at = at[side]) {
      const order = this.#compare(item, at.item)
      if (order === 0) return
      parent = at
      side = order < 0 ? 'left' : 'right'
    }
    const added: Branch<T> = { item, isRed: true, parent, left: undefined, right: undefined }
    if (parent) parent[side] = added
    else this.#root = added
    this.#balance(added)
  }

  *[Symbol.iterator](): Generator<T> {
    yield* below(this.#root)
  }

  /** No red node has a red parent, and every way down meets as many black ones. */
  #balance(added: Branch<T>): void {
    let at = added
    while (at.parent?.isRed) {
      const grandparent: Branch<T> = at.parent.parent!
      const side: Side = at.parent === grandparent.left ? 'left' : 'right'
      const uncle = grandparent[other[side]]
      if (uncle?.isRed) {
        at.parent.isRed = uncle.isRed = false
        grandparent.isRed = true
        at = grandparent
        continue
      }
      if (at === at.parent[other[side]]) {
        at = at.parent
        this.#rotate(at, side)
      }
      at.parent!.isRed = false
      grandparent.isRed = true
      this.#rotate(grandparent, other[side])
    }
    this.#root!.isRed = false
  }

  /** Puts a node below its child of the other side. */
  #rotate(down: Branch<T>, side: Side): void {
    const up = down[other[side]]!
    const moved = up[side]
    down[other[side]] = moved
    if (moved) moved.parent = down
    up.parent = down.parent
    if (!down.parent) this.#root = up
    else if (down.parent.left === down) down.parent.left = up
    else down.parent.right = up
    up[side] = down
    down.parent = up
  }
}

type Side = 'left' | 'right'

const other = { left: 'right', right: 'left' } as const

interface Branch<T> {
  readonly item: T
  isRed: boolean
  parent: Branch<T> | undefined
  left: Branch<T> | undefined
  right: Branch<T> | undefined
}

function* below<T>(at: Branch<T> | undefined): Generator<T> {
  if (!at) return
  yield* below(at.left)
  yield at.item
  yield* below(at.right)
}
