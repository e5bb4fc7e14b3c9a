//! Features for notebooks.

mod matrix;

pub use matrix::{
    Catalogue, MatrixRequest, WrittenMatrix, full_catalogue, list_beside, write_matrix,
};
