import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NameRegex } from './name-regex.ts'
import { RegexError } from './regex-error.ts'

const matching: readonly [regex: string, names: string, otherNames: string][] = [
  ['orders', 'orders', 'order orders2 xorders'],
  ['orders.*', 'orders orders2 orders-eu', 'xorders'],
  ['orders\\..*', 'orders.eu', 'orders orders-eu'],
  ['(eu|us)-[a-z]+', 'eu-x us-orders', 'eu- xx-a eu-1'],
  ['^a.*b$', 'ab axb', 'abc'],
  ['a|b|', 'a b', 'ab'],
  ['[^.]+', 'abc', 'a.c'],
  ['[]a]+', 'a', 'b'],
  ['[a\\-z]', 'a - z', 'b'],
  ['[a-]', 'a -', 'b'],
  ['x{2,3}', 'xx xxx', 'x xxxx'],
  ['x{2}', 'xx', 'x xxx'],
  ['x{2,}', 'xx xxxxx', 'x'],
  ['x{', 'x{', 'x'],
  ['(?i)ORDERS', 'orders Orders', 'order'],
  ['(?i:A)b', 'ab Ab', 'AB'],
  ['(?P<name>a+?)', 'a aaa', 'b'],
  ['\\d+\\w\\D', '12x- 1_a', 'x1'],
  ['[[:alpha:]]+[[:^digit:]]', 'ab ab-', 'a1'],
  ['\\Qa.b\\E.', 'a.bx', 'axbx a.b'],
  ['\\x61\\x{62}', 'ab', 'a'],
  ['a\\b-b', 'a-b', 'ab'],
  ['(a*)*', 'a aa', 'b'],
  ['(a|b)*c', 'c abac', 'ab'],
  ['(?:a(?i)b)c', 'abc aBc', 'abC Abc'],
]

for (const [regex, names, otherNames] of matching) {
  test(`${regex} names ${names}, not ${otherNames}`, () => {
    const compiled = new NameRegex(regex)
    for (const name of names.split(' ')) assert.ok(compiled.matches(name), name)
    for (const name of otherNames.split(' ')) assert.ok(!compiled.matches(name), name)
  })
}

for (const regex of [
  '(',
  ')',
  '[',
  '[a',
  '*a',
  'a**',
  'a{3,2}',
  'a{1001}',
  '\\',
  '(?=a)',
  '(?<!a)b',
  '(a)\\1',
  '[z-a]',
  '\\pL',
])
  test(`${regex} is refused, as RE2 refuses it or as it cannot matter for a name`, () => {
    assert.throws(() => new NameRegex(regex), RegexError)
  })

test('what would take a backtracking matcher for ever takes no time', () => {
  const name = 'a'.repeat(249)
  assert.ok(!new NameRegex('(a+)+b').matches(name))
  assert.ok(!new NameRegex('(a|aa)*(a|a)*b').matches(name))
})

test('repetitions within repetitions do not eat the memory', () => {
  assert.throws(() => new NameRegex('((a{1000}){1000}){1000}'), RegexError)
  assert.throws(() => new NameRegex('('.repeat(100_000)), RegexError)
})

test('it agrees with JavaScript on what both know', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '(a|b)',
    '(ab)*',
    'a?',
    'b+',
    'a{1,2}',
    '|',
    '^',
    '$',
    '\\.',
    '\\w',
  )
  const regex = fc.array(atom, { maxLength: 6 }).map(atoms => atoms.join(''))
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 6 })
  fc.assert(
    fc.property(regex, name, (text, subject) => {
      assert.equal(new NameRegex(text).matches(subject), new RegExp(`^(?:${text})$`).test(subject))
    }),
    { numRuns: 2000 },
  )
})

test('whatever a client sends is an expression or an error of the right kind', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab()[]{}*+?|\\^$.,-:<>PQEdwz12!='), maxLength: 20 })
  fc.assert(
    fc.property(text, regex => {
      try {
        new NameRegex(regex).matches('abc')
      } catch (error) {
        assert.ok(error instanceof RegexError, `${regex}: ${error}`)
      }
    }),
    { numRuns: 2000 },
  )
})
