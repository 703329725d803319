import { describe, expect, test } from 'vitest'
import { clientAddress } from '../../lib/http/client-address.ts'

const address = (headers: Record<string, string>) =>
  clientAddress(new Request('https://shop.example/api/orders', { headers }))
const STAND_IN = '192.0.2.1'

describe("the payer's address for WeChat", () => {
  test.each([
    '123.12.12.123',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '223.255.255.255',
  ])('is theirs when it is a public one: %s', (ip) => {
    expect(address({ 'x-real-ip': ip })).toBe(ip)
  })

  test.each(['2408:8000::1', '2001:4860:4860::8888', '2408:8207:1923:8060:a1b2:c3d4:e5f6:789'])(
    'is theirs in IPv6 too: %s',
    (ip) => {
      expect(address({ 'x-real-ip': ip })).toBe(ip)
    },
  )

  test.each(['::ffff:123.12.12.123', '::FFFF:123.12.12.123'])(
    'is the IPv4 address inside %s',
    (mapped) => {
      expect(address({ 'x-real-ip': mapped })).toBe('123.12.12.123')
    },
  )

  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback too', '127.255.255.254'],
    ['loopback in IPv6', '::1'],
    ['loopback, mapped', '::ffff:127.0.0.1'],
    ['loopback, mapped, in hex', '::ffff:7f00:1'],
    ['loopback, mapped, written out', '0:0:0:0:0:ffff:7f00:1'],
    ['private', '10.1.2.3'],
    ['private too', '172.16.0.1'],
    ['private to the end', '172.31.255.255'],
    ['private at home', '192.168.1.20'],
    ['private, mapped', '::ffff:192.168.1.20'],
    ['private in IPv6', 'fd12:3456:789a::1'],
    ['link-local', '169.254.169.254'],
    ['link-local in IPv6', 'fe80::1'],
    ["behind a carrier's NAT", '100.64.0.1'],
    ['of no network', '0.0.0.0'],
    ['of no network in IPv6', '::'],
    ['a broadcast', '255.255.255.255'],
    ['a multicast', '224.0.0.1'],
    ['a multicast in IPv6', 'ff02::1'],
    ['no address', 'localhost'],
    ['with a port', '123.12.12.123:443'],
    ['with letters after it', '123.12.12.123; drop'],
    ['short', '123.12'],
    ['octal', '0123.12.12.123'],
    ['too big', '256.1.1.1'],
    ['empty', ''],
  ])('is the stand-in when theirs is %s: %s', (_, ip) => {
    expect(address({ 'x-real-ip': ip })).toBe(STAND_IN)
  })

  test('is the stand-in when nobody says whose it is', () => {
    expect(address({})).toBe(STAND_IN)
  })
})

describe('of several addresses', () => {
  test('the one Vercel names comes before those on the way', () => {
    expect(address({ 'x-real-ip': '123.12.12.123', 'x-forwarded-for': '8.8.8.8' })).toBe(
      '123.12.12.123',
    )
  })

  test('the first on the way counts', () => {
    expect(address({ 'x-forwarded-for': '123.12.12.123, 8.8.8.8' })).toBe('123.12.12.123')
  })

  test('private ones on the way are passed over', () => {
    expect(
      address({
        'x-real-ip': '10.0.0.1',
        'x-forwarded-for': '192.168.1.20,unknown,  123.12.12.123 ,8.8.8.8',
      }),
    ).toBe('123.12.12.123')
  })

  test('in IPv6 the first on the way counts as well', () => {
    expect(address({ 'x-forwarded-for': 'fe80::1, 2408:8000::1' })).toBe('2408:8000::1')
  })
})
