/**
 * Waits for all, then throws the first failure: with `Promise.all` the rest would go on with nobody waiting, and the
 * instance might sleep in the middle of it.
 */
export async function waitForAll<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(works)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
