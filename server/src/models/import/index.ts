/** Models that are imported from the disk. */
export * from './catalogue';
export * from './copy';
export * from './fileState';
export * from './folder';
export * from './importer';
export * from './library';
export * from './registry';
export * from './report';
export * from './speedTest';
export * from './summary';
