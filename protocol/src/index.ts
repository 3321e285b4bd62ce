export * from './configuration';
export * from './model';
export * from './prompt';
export * from './savedContext';
export * from './status';
