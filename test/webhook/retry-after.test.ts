import { expect, test } from 'vitest'
import { readRetryAfter } from '../../lib/webhook/retry-after.ts'

const NOW = new Date('2026-11-20T08:00:00Z')
const DAY_MS = 86_400_000

test.each([
  ['120', 120_000],
  [' 7 ', 7_000],
  ['0', 0],
  ['86401', DAY_MS],
  ['999999999', DAY_MS],
  ['Fri, 20 Nov 2026 08:02:00 GMT', 120_000],
  ['Sun, 22 Nov 2026 08:00:00 GMT', DAY_MS],
  ['Fri, 20 Nov 2026 07:00:00 GMT', 0],
])('Retry-After %s is a wait of %i ms', (header, ms) => {
  expect(readRetryAfter(header, NOW)).toBe(ms)
})

test.each([
  [null],
  [''],
  ['-5'],
  ['+5'],
  ['1.5'],
  ['1e3'],
  ['0x10'],
  ['5 seconds'],
  ['soon 2030'],
  ['2026-11-21'],
  ['9999999999999999999999'],
  ['Fri, 20 Nov 2026 08:02:00 +0800'],
  ['Fri, 99 Nov 2026 99:99:99 GMT'],
])('Retry-After %s is ignored', (header) => {
  expect(readRetryAfter(header, NOW)).toBe(0)
})
