/**
 * Sends one Redis command to the REST address that the product uses, to inspect or change a key.
 */
import type { World } from '../../dev/world/world.ts'

export async function redis(
  world: Pick<World, 'env'>,
  ...command: (string | number)[]
): Promise<unknown> {
  const { env } = world
  const response = await fetch(env['UPSTASH_REDIS_REST_URL'] ?? '', {
    method: 'POST',
    headers: { authorization: `Bearer ${env['UPSTASH_REDIS_REST_TOKEN'] ?? ''}` },
    body: JSON.stringify(command),
  })
  const answer: unknown = await response.json()
  if (typeof answer !== 'object' || answer === null || !('result' in answer))
    throw new Error(JSON.stringify(answer))
  return answer.result
}
