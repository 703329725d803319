/** The packages of the server to compare with, as far as it uses them: installed beside the project, without their types. */
import type { KeyObject } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as v from 'valibot'
import { installPeers } from './peers.ts'

export interface ExpressRequest extends IncomingMessage {
  readonly body: unknown
  readonly ip?: string
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
  /** Set by the middleware that read the token. */
  openid?: string
  /** Set by tenpay's middleware. */
  readonly weixin?: Readonly<Record<string, string>>
}
export interface ExpressResponse extends ServerResponse {
  status(code: number): ExpressResponse
  json(body: unknown): void
  /** Set by tenpay's middleware. */
  reply(refusal?: string): void
}
export type Handler = (
  request: ExpressRequest,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => unknown
type ErrorHandler = (
  error: unknown,
  request: ExpressRequest,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => unknown

interface App {
  use(...handlers: readonly (Handler | ErrorHandler)[]): void
  get(path: string, ...handlers: readonly Handler[]): void
  post(path: string, ...handlers: readonly Handler[]): void
  set(name: string, value: unknown): void
  listen(
    port: number,
    host: string,
    listening: () => void,
  ): { address(): { readonly port: number } }
}
interface Express {
  (): App
  json(): Handler
  text(options: { readonly type: readonly string[] }): Handler
}
type RateLimit = (options: {
  readonly windowMs: number
  readonly limit: number
  readonly standardHeaders: 'draft-8'
  readonly legacyHeaders: false
  readonly keyGenerator?: (request: ExpressRequest) => string
  readonly store: object
}) => Handler
type RedisStore = new (options: {
  readonly prefix: string
  readonly sendCommand: (...command: string[]) => Promise<unknown>
}) => object

export interface JsonWebToken {
  sign(
    claims: object,
    secret: KeyObject,
    options: { readonly subject: string; readonly expiresIn: number },
  ): string
  verify(
    token: string,
    secret: KeyObject,
    options: { readonly algorithms: readonly ['HS256'] },
  ): unknown
}
export type Fields = Readonly<Record<string, string>>
export interface Tenpay {
  readonly urls: Record<string, string>
  middlewareForExpress(type: 'pay'): Handler
  unifiedOrder(order: object): Promise<Fields>
  orderQuery(order: object): Promise<Fields>
  getPayParamsByPrepay(order: { readonly prepay_id: string }): Fields
}
type Payment = new (settings: object) => Tenpay

export interface Client {
  query(
    text: string,
    params?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly rowCount: number }>
}
export interface Pool extends Client {
  on(event: 'error', listener: () => void): void
  connect(): Promise<Client & { release(error?: unknown): void }>
}
export interface Redis {
  connect(): Promise<unknown>
  on(event: 'error', listener: () => void): void
  get(key: string): Promise<string | null>
  set(
    key: string,
    value: string,
    options: {
      readonly condition?: 'NX'
      readonly expiration: { type: 'EX' | 'PX'; value: number }
    },
  ): Promise<string | null>
  del(key: string): Promise<number>
  sendCommand(command: readonly string[]): Promise<unknown>
}

const isFunction = (value: unknown) => typeof value === 'function'
const named = <T>(name: string) =>
  v.pipe(
    v.looseObject({ [name]: v.custom<T>(isFunction) }),
    v.transform((found) => v.parse(v.custom<T>(isFunction), found[name])),
  )

export async function loadPackages() {
  const load = await installPeers(() => undefined)
  return {
    express: v.parse(v.custom<Express>(isFunction), load('express')),
    rateLimit: v.parse(v.custom<RateLimit>(isFunction), load('express-rate-limit')),
    RedisStore: v.parse(named<RedisStore>('RedisStore'), load('rate-limit-redis')),
    jwt: v.parse(
      v.custom<JsonWebToken>((value) => typeof value === 'object'),
      load('jsonwebtoken'),
    ),
    Pool: v.parse(
      named<new (options: { readonly connectionString: string }) => Pool>('Pool'),
      load('pg'),
    ),
    createClient: v.parse(
      named<(options: { readonly url: string }) => Redis>('createClient'),
      load('redis'),
    ),
    Payment: v.parse(v.custom<Payment>(isFunction), load('tenpay')),
  }
}
