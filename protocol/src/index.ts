export * from './configuration';
export * from './cursor';
export * from './model';
export * from './prompt';
export * from './savedContext';
export * from './statistics';
export * from './status';
export * from './why';
