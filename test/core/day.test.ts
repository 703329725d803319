import { expect, test } from 'vitest'
import { dayOf, minusMonths, parseDay, plusDays, startOf, type Day } from '../../lib/core/day.ts'

test('a day begins and ends at midnight in Beijing', () => {
  expect(dayOf(new Date('2026-11-20T15:59:59Z'))).toBe('2026-11-20')
  expect(dayOf(new Date('2026-11-20T16:00:00Z'))).toBe('2026-11-21')
  expect(startOf('2026-11-20')).toEqual(new Date('2026-11-19T16:00:00Z'))
})

test.each<[Day, number, Day]>([
  ['2026-11-20', 1, '2026-11-21'],
  ['2026-03-01', -1, '2026-02-28'],
  ['2024-02-28', 1, '2024-02-29'],
  ['2026-12-31', 1, '2027-01-01'],
])('%s plus %d days is %s', (day, days, expected) => {
  expect(plusDays(day, days)).toBe(expected)
})

test.each<[Day, Day]>([
  ['2026-11-21', '2026-08-21'],
  ['2026-02-15', '2025-11-15'],
  ['2026-05-31', '2026-02-28'],
  ['2026-03-31', '2025-12-31'],
])('three months before %s is %s', (day, expected) => {
  expect(minusMonths(day, 3)).toBe(expected)
})

test.each([
  '2026-02-30',
  '2026-13-01',
  '2026-11-31',
  '20261120',
  '2026-1-2',
  '2026-11-20T00:00:00Z',
  '',
  'yesterday',
  '0026-11-20',
])('%j is not a day', (text) => {
  expect(parseDay(text)).toEqual({ ok: false, error: 'not_a_day' })
})
