/** Usage: what an organization keeps on this server. */
import './types.ts'
