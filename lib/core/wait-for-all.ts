/**
 * Waits for all promises, then throws the first failure. With `Promise.all` the others would
 * continue unobserved, and the instance could be frozen before they end.
 */
export async function waitForAll<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(works)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
