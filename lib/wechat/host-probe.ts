import { sendRequest } from '../http-client/send-request.ts'

const PROBE_MS = 2_000

/** Whether the host answers. Its answer does not matter, unless a gateway answers for it (5xx). */
export async function isHostUp(url: string): Promise<boolean> {
  const answer = await sendRequest({
    spanName: 'wechat',
    method: 'GET',
    url,
    deadlineMs: PROBE_MS,
    maxBytes: 1_000_000,
    isRepeatable: true,
  })
  return !('why' in answer)
}
