import { describe, expect, test } from 'vitest'
import { parseRfc3339 } from '../../lib/validation/rfc3339.ts'

describe('a time in a request', () => {
  test.each([
    ['2025-01-02T03:04:05+08:00', '2025-01-01T19:04:05.000Z'],
    ['2025-01-01T19:04:05Z', '2025-01-01T19:04:05.000Z'],
    ['2025-01-01T14:04:05.5-05:00', '2025-01-01T19:04:05.500Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ])('%s is the moment it names', (text, moment) => {
    expect(parseRfc3339(text)?.toISOString()).toBe(moment)
  })

  test.each([
    ['without an offset', '2025-01-02T03:04:05'],
    ['without a time', '2025-01-02'],
    ['without seconds', '2025-01-02T03:04+08:00'],
    ['with a space instead of the T', '2025-01-02 03:04:05+08:00'],
    ['with an offset of 99 hours', '2025-01-02T03:04:05+99:00'],
    ['in month 13', '2025-13-01T00:00:00Z'],
    ['on a day 32', '2025-01-32T00:00:00Z'],
    ['of digits only', '20250102030405'],
    ['in seconds since 1970', '1735758245'],
    ['without characters', ''],
  ])('%s is refused', (_, text) => {
    expect(parseRfc3339(text)).toBeNull()
  })

  test.each([
    '2025-02-29T00:00:00Z',
    '2025-02-30T12:00:00+08:00',
    '2025-04-31T00:00:00Z',
    '2025-01-01T24:00:00Z',
  ])('%s, which does not exist, is refused and not moved to the next day', (text) => {
    expect(parseRfc3339(text)).toBeNull()
  })
})
