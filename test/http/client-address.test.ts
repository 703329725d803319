import { describe, expect, test } from 'vitest'
import { clientAddress } from '../../lib/http/client-address.ts'

const address = (headers: Record<string, string>) =>
  clientAddress(new Request('https://shop.example/api/orders', { headers }))
const PLACEHOLDER = '192.0.2.1'

describe('the client address that WeChat gets', () => {
  test.each([
    '123.12.12.123',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '223.255.255.255',
  ])('is the payer’s if it is public: %s', (ip) => {
    expect(address({ 'x-real-ip': ip })).toBe(ip)
  })

  test.each(['2408:8000::1', '2001:4860:4860::8888', '2408:8207:1923:8060:a1b2:c3d4:e5f6:789'])(
    'is the payer’s IPv6 address if it is public: %s',
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
    ['loopback at the end of its range', '127.255.255.254'],
    ['loopback in IPv6', '::1'],
    ['loopback, mapped', '::ffff:127.0.0.1'],
    ['loopback, mapped, in hex', '::ffff:7f00:1'],
    ['loopback, mapped, written out', '0:0:0:0:0:ffff:7f00:1'],
    ['private', '10.1.2.3'],
    ['private at the start of its range', '172.16.0.1'],
    ['private at the end of its range', '172.31.255.255'],
    ['private in a home network', '192.168.1.20'],
    ['private, mapped', '::ffff:192.168.1.20'],
    ['private in IPv6', 'fd12:3456:789a::1'],
    ['link-local', '169.254.169.254'],
    ['link-local in IPv6', 'fe80::1'],
    ["behind a carrier's NAT", '100.64.0.1'],
    ['unspecified', '0.0.0.0'],
    ['unspecified in IPv6', '::'],
    ['a broadcast', '255.255.255.255'],
    ['a multicast', '224.0.0.1'],
    ['a multicast in IPv6', 'ff02::1'],
    ['a name', 'localhost'],
    ['with a port', '123.12.12.123:443'],
    ['followed by text', '123.12.12.123; drop'],
    ['incomplete', '123.12'],
    ['octal', '0123.12.12.123'],
    ['out of range', '256.1.1.1'],
    ['empty', ''],
  ])('is a placeholder if the payer’s is %s: %s', (_, ip) => {
    expect(address({ 'x-real-ip': ip })).toBe(PLACEHOLDER)
  })

  test('is a placeholder if no header names one', () => {
    expect(address({})).toBe(PLACEHOLDER)
  })
})

describe('among several addresses', () => {
  test('x-real-ip comes before x-forwarded-for', () => {
    expect(address({ 'x-real-ip': '123.12.12.123', 'x-forwarded-for': '8.8.8.8' })).toBe(
      '123.12.12.123',
    )
  })

  test('the first of x-forwarded-for is used', () => {
    expect(address({ 'x-forwarded-for': '123.12.12.123, 8.8.8.8' })).toBe('123.12.12.123')
  })

  test('private addresses are skipped', () => {
    expect(
      address({
        'x-real-ip': '10.0.0.1',
        'x-forwarded-for': '192.168.1.20,unknown,  123.12.12.123 ,8.8.8.8',
      }),
    ).toBe('123.12.12.123')
  })

  test('the first public IPv6 address is used', () => {
    expect(address({ 'x-forwarded-for': 'fe80::1, 2408:8000::1' })).toBe('2408:8000::1')
  })
})
