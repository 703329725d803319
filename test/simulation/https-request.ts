import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'

/** The one call with a certificate, which fetch does not take. */
const REFUND = /\/secapi\/pay\/refund$/

type Answered = (answer: Readable & { readonly statusCode: number }) => void

/** Node's `https.request` as far as it is used, by fetch. Bills have histories of their own: here they find nobody. */
export const requestBy = (ownFetch: typeof fetch) => (url: string, init: RequestInit, answered: Answered) => {
  if (!REFUND.test(url)) throw new Error('nobody answers')
  const request = new EventEmitter()
  const send = async (body: string) => {
    const response = await ownFetch(url, { ...init, body })
    answered(Object.assign(Readable.from([Buffer.from(await response.arrayBuffer())]), { statusCode: response.status }))
  }
  return Object.assign(request, { end: (body: string) => void send(body).catch((error: unknown) => request.emit('error', error)) })
}
