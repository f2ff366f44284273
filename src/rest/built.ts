/* The fronts that are built: each is its folder, and a line here. */
export { abeja } from './abeja/front.ts'
export { topchef } from './topchef/front.ts'
