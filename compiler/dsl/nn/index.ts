/** `nn`: layers, attention, experts, losses. */
export * from './attention.ts';
export * from './experts.ts';
export * from './layers.ts';
export * from './losses.ts';
