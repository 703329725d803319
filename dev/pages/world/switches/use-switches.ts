/** The switches of the local world. */
import { useEffect, useState } from 'preact/hooks'
import * as v from 'valibot'
import { callWorld } from '../call-world.ts'

const switchesSchema = v.object({
  notifications: v.picklist([
    'as-usual',
    'lost',
    'fifteen-times',
    'forged-amount',
    'wrong-signature',
  ]),
  wechat: v.picklist(['up', 'down']),
  redis: v.picklist(['up', 'down']),
  database: v.picklist(['up', 'down']),
  receiver: v.picklist(['answers', 'hangs']),
  protocol: v.picklist(['v2', 'v3']),
})
const viewSchema = v.object({
  switches: switchesSchema,
  refused: v.record(v.string(), v.string()),
})

export type Switches = v.InferOutput<typeof switchesSchema>

export interface SwitchesState {
  /** Null until the first answer. */
  readonly switches: Switches | null
  /** The reasons of the switches that are refused, by their names. */
  readonly refused: Readonly<Record<string, string>>
  /** Whether the last call failed, with the reason of the world if it gave one. */
  readonly failure: { readonly reason: string | null } | null
  turn(changes: Partial<Switches>): Promise<void>
}

/** @param isLive reads the switches again when it turns true, because a restart resets them */
export function useSwitches(isLive: boolean): SwitchesState {
  const [view, setView] = useState<v.InferOutput<typeof viewSchema> | null>(null)
  const [failure, setFailure] = useState<SwitchesState['failure']>(null)
  const call = async (method: 'GET' | 'POST', changes?: Partial<Switches>) => {
    const answer = await callWorld(method, '/world/switches', viewSchema, changes)
    setFailure(answer.ok ? null : { reason: answer.reason })
    if (answer.ok) setView(answer.value)
  }
  useEffect(() => {
    if (isLive) void call('GET')
  }, [isLive])
  return {
    switches: view?.switches ?? null,
    refused: view?.refused ?? {},
    failure,
    turn: (changes) => call('POST', changes),
  }
}
