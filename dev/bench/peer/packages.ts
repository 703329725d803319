/**
 * The packages of the server to compare with. They are installed beside the project without types:
 * these are what it uses.
 */
import type { KeyObject } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as v from 'valibot'
import { installPeers } from '../peers.ts'

export interface Request extends IncomingMessage {
  readonly body: unknown
  readonly ip?: string
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
  /** Set by the middleware that reads the token. */
  openid?: string
  /** Set by tenpay's middleware. */
  readonly weixin?: Fields
}
export interface Response extends ServerResponse {
  status(code: number): Response
  json(body: unknown): void
  /** Set by tenpay's middleware. */
  reply(refusal?: string): void
}
type Next = (error?: unknown) => void
export type Handler = (request: Request, response: Response, next: Next) => unknown
export type ErrorHandler = (error: unknown, ...rest: Parameters<Handler>) => unknown

interface App {
  use(handler: Handler | ErrorHandler): void
  get(path: string, ...handlers: readonly Handler[]): void
  post(path: string, ...handlers: readonly Handler[]): void
  set(name: string, value: unknown): void
  listen(port: number, host: string, callback: () => void): { address(): { port: number } }
}
interface Express {
  (): App
  json(): Handler
  text(options: { type: readonly string[] }): Handler
}
type RateLimit = (options: {
  windowMs: number
  limit: number
  standardHeaders: 'draft-8'
  legacyHeaders: false
  keyGenerator?: (request: Request) => string
  store: object
}) => Handler
type RedisStore = new (options: {
  prefix: string
  sendCommand: (...command: string[]) => Promise<unknown>
}) => object

export interface JsonWebToken {
  sign(claims: object, key: KeyObject, options: { subject: string; expiresIn: number }): string
  verify(token: string, key: KeyObject, options: { algorithms: readonly ['HS256'] }): unknown
}

export type Fields = Readonly<Record<string, string>>
export interface Tenpay {
  readonly urls: Record<string, string>
  middlewareForExpress(type: 'pay'): Handler
  unifiedOrder(order: object): Promise<Fields>
  orderQuery(order: object): Promise<Fields>
  getPayParamsByPrepay(order: { prepay_id: string }): Fields
}
type Payment = new (settings: object) => Tenpay

const is = <T>(kind: 'function' | 'object') => v.custom<T>((value) => typeof value === kind)

export async function loadPackages() {
  const load = await installPeers(() => undefined)
  return {
    express: v.parse(is<Express>('function'), load('express')),
    rateLimit: v.parse(is<RateLimit>('function'), load('express-rate-limit')),
    jwt: v.parse(is<JsonWebToken>('object'), load('jsonwebtoken')),
    Payment: v.parse(is<Payment>('function'), load('tenpay')),
    ...v.parse(v.object({ RedisStore: is<RedisStore>('function') }), load('rate-limit-redis')),
  }
}
