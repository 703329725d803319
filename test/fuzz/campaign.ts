/** A number of hostile inputs, spread over all there is to attack. */
import { openShop, type Shop } from './shop.ts'
import { callTarget } from './call-target.ts'
import { messageTarget } from './message-target.ts'
import { recutTarget } from './recut-target.ts'
import { bodyTarget, queryTarget } from './request-target.ts'
import { runnable, type Report, type Runnable } from './target.ts'
import { tokenTarget } from './token-target.ts'

/** Of a thousand inputs: most go where they cost least, for a call of a function takes as long as a hundred readings. */
const SHARES = {
  messages: 350,
  recuts: 100,
  tokens: 180,
  bodies: 145,
  queries: 200,
  functions: 25,
} as const

export type TargetName = keyof typeof SHARES

export const targetNames: readonly TargetName[] = [
  'messages',
  'recuts',
  'tokens',
  'bodies',
  'queries',
  'functions',
]

export const shareOf = (name: TargetName, inputs: number): number =>
  Math.ceil((inputs * SHARES[name]) / 1_000)

export interface CampaignOptions {
  readonly seed: number
  readonly inputs: number
  readonly only: { readonly target: TargetName; readonly index: number | undefined } | undefined
  readonly onProgress: (target: TargetName, done: number) => void
}

/** Orders in the shop, and how many of them are paid when it opens. */
const ORDERS = 200
const SOLD = 20

export async function runCampaign({
  seed,
  inputs,
  only,
  onProgress,
}: CampaignOptions): Promise<readonly Report[]> {
  const reports: Report[] = []
  for (const name of only === undefined ? targetNames : [only.target]) {
    const options = {
      seed,
      inputs: shareOf(name, inputs),
      only: only?.index,
      onProgress: (done: number) => onProgress(name, done),
    }
    if (name !== 'functions') reports.push(await reading[name].run(options))
    else reports.push(await withShop((shop) => runnable(callTarget(shop)).run(options)))
  }
  return reports
}

const reading: Readonly<Record<Exclude<TargetName, 'functions'>, Runnable>> = {
  messages: runnable(messageTarget),
  recuts: runnable(recutTarget),
  tokens: runnable(tokenTarget),
  bodies: runnable(bodyTarget),
  queries: runnable(queryTarget),
}

async function withShop(work: (shop: Shop) => Promise<Report>): Promise<Report> {
  const shop = await openShop(ORDERS, SOLD)
  try {
    return await work(shop)
  } finally {
    await shop.close()
  }
}
