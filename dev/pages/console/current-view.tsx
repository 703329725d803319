import { BillsView } from './bills-view.tsx'
import { CatalogueView } from './catalogue-view.tsx'
import { ComplaintView } from './complaint-view.tsx'
import { ComplaintsView } from './complaints-view.tsx'
import { DifferencesView } from './differences-view.tsx'
import { EventsView } from './events-view.tsx'
import { IncidentsView } from './incidents-view.tsx'
import { OrderView } from './order-view.tsx'
import { OrdersView } from './orders-view.tsx'
import { OverviewView } from './overview.tsx'
import type { Route } from './route.ts'
import { SearchView } from './search-view.tsx'
import { ShipmentsView } from './shipments-view.tsx'

interface Props {
  readonly route: Route
  /** The search text. It is not in the URL, because it may be a phone number. */
  readonly searched: string
}

/** Another part of the URL is another view, with a state of its own. */
export function CurrentView({ route: { view, id }, searched }: Props) {
  switch (view) {
    case 'overview':
      return <OverviewView />
    case 'orders':
      return <OrdersView key={id} initial={id} />
    case 'search':
      return <SearchView text={searched} />
    case 'order':
      return <OrderView key={id} outTradeNo={id} />
    case 'shipments':
      return <ShipmentsView />
    case 'complaints':
      return <ComplaintsView key={id} initial={id} />
    case 'complaint':
      return <ComplaintView key={id} id={id} />
    case 'incidents':
      return <IncidentsView key={id} initial={id} />
    case 'events':
      return <EventsView key={id} initial={id} />
    case 'bills':
      return id === '' ? <BillsView /> : <DifferencesView key={id} day={id} />
    case 'catalogue':
      return <CatalogueView />
  }
}
