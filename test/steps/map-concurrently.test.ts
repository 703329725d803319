import { expect, test } from 'vitest'
import { mapConcurrently } from '../../lib/steps/map-concurrently.ts'

test('if one item of a batch fails, the failure is reported after the rest of the batch has ended', async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<string>()
  const ended: string[] = []
  const mapped = mapConcurrently(['fails', 'slow', 'next batch'], 2, async (item) => {
    if (item === 'fails') throw new Error('no answer')
    if (item === 'slow') await held
    ended.push(item)
  })
  let isReported = false
  const reported = mapped.catch(() => (isReported = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(isReported).toBe(false)
  release('')
  await reported
  expect(ended).toEqual(['slow'])
  await expect(mapped).rejects.toThrow('no answer')
})
