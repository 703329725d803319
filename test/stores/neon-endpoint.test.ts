/** The address of the database is known before its client is loaded, and is the client's own. */
import { neonConfig } from '@neondatabase/serverless'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endpointOf } from '../../lib/stores/neon.ts'

test('the connection that is opened in advance goes where the client sends its statements', () => {
  const { fetchEndpoint: ofClient } = neonConfig.defaults
  if (typeof ofClient === 'string') throw new Error('the client has a fixed address')
  fc.assert(
    fc.property(fc.domain(), (host) => {
      const url = `postgresql://user:secret@${host}/shop?sslmode=require`
      expect(endpointOf({ url, endpoint: undefined })).toBe(ofClient(host, 5432))
    }),
  )
})

test('a variable can name another address', () => {
  const endpoint = 'http://127.0.0.1:4444/sql'
  expect(endpointOf({ url: 'postgresql://a:b@host/shop', endpoint })).toBe(endpoint)
})
