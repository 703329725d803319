/** Who is where, how late is too late for each, and how each says no. */
import type { Fault } from '../../dev/wechat/simulator.ts'
import type { Luck } from './luck.ts'
import { toFault } from './mishaps.ts'
import type { Server } from './network.ts'

type Answering = (request: Request) => Promise<Response>

export interface Parties {
  readonly database: Answering
  readonly redis: Answering
  /** Misbehaves once, if so it is told. */
  readonly wechat: (request: Request, fault: Fault | null) => Promise<Response>
  readonly merchant: Answering
  /** The names of our own. */
  readonly functions: ReadonlySet<string>
  readonly run: (name: string, request: Request, luck: Luck) => Promise<Response>
}

/** Whoever answers at an address; null where nobody does. */
export function findServer(parties: Parties, { pathname }: URL): Server | null {
  const parts = pathname.split('/')
  const last = parts.at(-1) ?? ''
  const cannot = { isSigned: false, canSpoil: () => false }
  switch (parts[1]) {
    case 'stand-ins':
      return parts[2] === 'neon'
        ? {
            ...cannot,
            target: 'database',
            prefix: '/stand-ins/neon',
            lateMs: 5_500,
            answer: parties.database,
            refuse: (luck) =>
              Response.json(
                {
                  message: 'no',
                  code: luck.pick(['57P03', '53300', '40001', '40P01', '08006', '']),
                },
                { status: 400 },
              ),
            refuseWrite: async (request, luck) =>
              /\b(?:insert|update|delete)\b/i.test(await request.text())
                ? Response.json(
                    { message: 'no', code: luck.pick(['25006', '53100', '42501']) },
                    { status: 400 },
                  )
                : null,
          }
        : {
            ...cannot,
            target: 'redis',
            prefix: '/stand-ins/upstash',
            lateMs: 1_100,
            answer: parties.redis,
            refuse: () =>
              Response.json({ error: 'ERR max daily request limit exceeded' }, { status: 429 }),
          }
    case 'wechat':
      return {
        target: 'wechat',
        prefix: '/wechat',
        lateMs: 7_500,
        isSigned: toFault('wrong key', last) !== null,
        canSpoil: (mishap) => toFault(mishap, last) !== null,
        answer: (request, mishap) =>
          parties.wechat(request, mishap === null ? null : toFault(mishap, last)),
        refuse: (luck) => new Response('busy', { status: luck.pick([429, 500, 502, 503]) }),
      }
    case 'merchant':
      return {
        ...cannot,
        target: 'merchant',
        prefix: '',
        lateMs: 10_500,
        answer: parties.merchant,
        refuse: (luck) => new Response(null, { status: luck.pick([400, 404, 500, 503]) }),
      }
    case 'api': {
      if (!parties.functions.has(last)) return null
      return {
        ...cannot,
        target: last === 'notify' ? 'notify' : 'function',
        prefix: '',
        lateMs: 5_500,
        answer: (request, _, luck) => parties.run(last, request, luck),
        refuse: () => new Response(null, { status: 503 }),
      }
    }
    default:
      return null
  }
}
