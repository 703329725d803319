import { send } from '../http-client.ts'

const PROBE_MS = 2_000

/** Whether the host answers at all, whatever it answers. */
export async function isHostUp(url: string): Promise<boolean> {
  const answer = await send({
    hop: 'wechat',
    method: 'GET',
    url,
    deadlineMs: PROBE_MS,
    maxBytes: 1_000_000,
  })
  return !('why' in answer)
}
