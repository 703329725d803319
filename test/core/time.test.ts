import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { toBeijingDigits, toRfc3339, toWholeSeconds } from '../../lib/core/time.ts'
import { parseBeijingDigits } from '../../lib/wechat/v2/dates.ts'
import { parseRfc3339 } from '../../lib/validation/rfc3339.ts'

const anyMoment = fc.date({
  min: new Date('1000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T15:59:59Z'),
  noInvalidDate: true,
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('Beijing time', () => {
  test('is eight hours ahead of UTC, also across midnight', () => {
    expect(toBeijingDigits(new Date('2024-12-31T19:04:05Z'))).toBe('20250101030405')
  })

  test('has no summer time', () => {
    expect(toBeijingDigits(new Date('2025-07-01T00:00:00Z'))).toBe('20250701080000')
  })

  test('does not depend on the time zone of the machine', () => {
    vi.stubEnv('TZ', 'America/New_York')
    expect([
      toBeijingDigits(new Date('2025-01-01T19:04:05Z')),
      parseBeijingDigits('20250102030405'),
    ]).toEqual(['20250102030405', new Date('2025-01-01T19:04:05Z')])
  })

  test('is read as WeChat writes it', () => {
    expect(parseBeijingDigits('20250102030501')).toEqual(new Date('2025-01-01T19:05:01Z'))
  })

  test.each([
    ['20240229000000', '2024-02-28T16:00:00.000Z'],
    ['20000229120000', '2000-02-29T04:00:00.000Z'],
  ])('has a 29th of February in a leap year: %s', (digits, moment) => {
    expect(parseBeijingDigits(digits)?.toISOString()).toBe(moment)
  })

  test.each([
    ['29 February in a year that is not a leap year', '20250229000000'],
    ['29 February 2100, not a leap year', '21000229000000'],
    ['31 April', '20250431000000'],
    ['month 13', '20251301000000'],
    ['month 0', '20250001000000'],
    ['day 0', '20250100000000'],
    ['hour 24', '20250101240000'],
    ['minute 60', '20250101006000'],
    ['second 60', '20250101000060'],
    ['13 digits', '2025010100000'],
    ['15 digits', '202501010000000'],
    ['dashes', '2025-01-01 00:00'],
    ['an empty text', ''],
    ['full-width digits', '２０２５０１０１００００００'],
    ['a line feed at the end', '20250101000000\n'],
  ])('is not read from %s', (_, text) => {
    expect(parseBeijingDigits(text)).toBeNull()
  })

  test('is written and read back to the second, for any moment', () => {
    fc.assert(
      fc.property(anyMoment, (at) => {
        expect(parseBeijingDigits(toBeijingDigits(at))).toEqual(toWholeSeconds(at))
      }),
    )
  })
})

describe('a time in our answers', () => {
  test('names its offset', () => {
    expect(toRfc3339(new Date('2025-01-01T19:04:05.678Z'))).toBe('2025-01-02T03:04:05+08:00')
  })

  test('is written and read back to the second, for any moment', () => {
    fc.assert(
      fc.property(anyMoment, (at) => {
        expect(parseRfc3339(toRfc3339(at))).toEqual(toWholeSeconds(at))
      }),
    )
  })
})

describe('whole seconds', () => {
  test.each([
    ['2025-01-01T00:00:00.999Z', '2025-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59.001Z', '1969-12-31T23:59:59.000Z'],
  ])('%s is rounded down', (at, whole) => {
    expect(toWholeSeconds(new Date(at)).toISOString()).toBe(whole)
  })
})
