import { expect, test } from 'vitest'
import { newNonce } from '../../lib/wechat/nonce.ts'

test('a nonce has 32 hex digits and never repeats, even after the random bytes are refilled', () => {
  const given = Array.from({ length: 2_000 }, newNonce)
  expect(given.filter((nonce) => !/^[0-9a-f]{32}$/.test(nonce))).toEqual([])
  expect(new Set(given).size).toBe(given.length)
})
