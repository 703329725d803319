import { isMerchant } from '../lib/http/authenticate.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf, readNoQuery } from '../lib/http/read-request.ts'
import { productsRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { listAllProducts, listProducts, saveProducts } from '../lib/steps/catalogue.ts'

/** The catalogue. Anyone sees the products that can be ordered; the merchant sees all. */
export const get: Handler = async (request, deps, edge) => {
  const query = readNoQuery(request)
  if (!query.ok) return query
  const products = await (isMerchant(request, edge) ? listAllProducts(deps) : listProducts(deps))
  return reply(200, { products })
}

/** The merchant adds or changes products. */
export const put = forCallers(
  { allow: ['merchant'], read: bodyOf(productsRequest) },
  async (deps, _, asked) => {
    await saveProducts(deps, asked.products)
    return reply(200, asked)
  },
)

export default serve('products', { GET: get, PUT: put })
