import type { Failure } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import { cleanText } from '../core/text.ts'
import type { Deps, ListedProduct, Product } from '../ports.ts'

/** Leaves room in the 127 bytes of an order's description for the number of lines behind the first product's name. */
const NAME_BYTES = 100

export const listProducts = (deps: Pick<Deps, 'catalogue'>): Promise<readonly Product[]> =>
  deps.catalogue.list()

/** For the merchant, who must see inactive products in order to activate them again. */
export const listAllProducts = (deps: Pick<Deps, 'catalogue'>): Promise<readonly ListedProduct[]> =>
  deps.catalogue.listAll()

/** Adds or changes products; orders already placed keep the price and the name they were placed with. */
export async function saveProducts(
  deps: Pick<Deps, 'catalogue' | 'clock'>,
  products: readonly ListedProduct[],
): Promise<Result<readonly ListedProduct[], Failure>> {
  const clean = products.map((product) => ({
    ...product,
    name: cleanText(product.name, NAME_BYTES),
  }))
  const nameless = clean.findIndex((product) => product.name === '')
  if (nameless >= 0)
    return err({
      reason: 'invalid_request',
      field: `products.${nameless}.name`,
      expected: 'text that WeChat can show',
    })
  if (new Set(clean.map((product) => product.sku)).size < clean.length)
    return err({ reason: 'invalid_request', field: 'products', expected: 'each sku once' })
  await deps.catalogue.save(clean, deps.clock.now())
  return ok(clean)
}
