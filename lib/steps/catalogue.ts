import type { Deps, ListedProduct, Product } from '../ports.ts'

export const listProducts = (deps: Pick<Deps, 'catalogue'>): Promise<readonly Product[]> =>
  deps.catalogue.list()

/** For the merchant, who must see inactive products in order to activate them again. */
export const listAllProducts = (deps: Pick<Deps, 'catalogue'>): Promise<readonly ListedProduct[]> =>
  deps.catalogue.listAll()

/** Adds or changes products. Orders that were placed before keep their price and name. */
export const saveProducts = (
  deps: Pick<Deps, 'catalogue' | 'clock'>,
  products: readonly ListedProduct[],
): Promise<void> => deps.catalogue.save(products, deps.clock.now())
